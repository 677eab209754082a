"""Configuration files of a repository, told apart by name and content. Needs permission to read them, nothing else.

collector    the options, and the collector itself
walk         finds the files
names        what a file's name says of environments and layers
detect       the format of a file, and what its documents are
reading      one reading of a source from files to resources
layers       inherited values worked in
"""

from __future__ import annotations

from collectors.files.collector import FilesCollector

COLLECTOR = FilesCollector()
