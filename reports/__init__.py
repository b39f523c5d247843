"""What people and CI systems read of a run, each form written from a `Report`."""
