"""Every figure that Prometheus gets, defined once; who observes; and the exporter."""
