"""What a shell is told of our commands. It stands above all rooms: it may import any, and none imports it."""
