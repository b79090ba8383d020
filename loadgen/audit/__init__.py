"""Published results of load generators, checked for figures that cannot all be true."""
