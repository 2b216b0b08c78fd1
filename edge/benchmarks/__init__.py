"""What the box costs: ``loop`` measures it whole, ``models`` measures model files one by one."""
