# As much of matplotlib as the test of the hook needs.
