"""HTTP and nothing else: the application, settings, authentication, the endpoint and the command line."""
