"""The command line of the load generator: options, the live line, summaries and exports."""
