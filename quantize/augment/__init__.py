"""What a real classroom does to pictures, sound and heads, applied to training examples only."""
