"""Uploads over HTTP: files received, kept by their content, and handed out again by signed URLs."""
