"""What people read: text summaries and diagrams of a run."""
