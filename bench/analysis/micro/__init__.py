"""What the microscope saw: tables of times and of facts, and what they say of singletons."""
