"""What must stay true of the code and its documents as a whole."""
