"""What a run measured, beside what the papers report: tables, curves, a page of all."""
