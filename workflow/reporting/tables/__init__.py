"""The tables one by one: each file builds a data frame from the records and shows it as sheets."""
