"""What a model is worth: figures with intervals, worse conditions, tables and the report as a page."""
