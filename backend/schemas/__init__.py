"""What requests may say and what answers look like; the boundary where every text is checked once."""
