"""A guest: built from XML, judged, named, sorted and selected; what can be derived from it."""
