"""What the recipes share: fitting, tuning, and how each data set becomes what a network is shown."""
