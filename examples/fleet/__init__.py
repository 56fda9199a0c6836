"""A fleet of eighteen bots that trades real prices while sluicegate keeps its capital."""
