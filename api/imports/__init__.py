"""Imports of files of any size: read as a stream, mapped, checked like mutations, and added in pieces."""
