"""The lesson report: a session's file as a page, a table or JSON."""
