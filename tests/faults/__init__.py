"""What must hold when disks, databases and other processes misbehave."""
