"""The words every wire uses. Standard library only; import the module you need."""
