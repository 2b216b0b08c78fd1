"""Why a branch says what it says: where the face network looks, and what moves the four states."""
