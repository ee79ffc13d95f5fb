"""Loads the files of a folder (its second argument) into a warehouse (its first), to be killed meanwhile."""

import sys
from pathlib import Path

import psycopg

from tallyhouse.file_staging import load_files

if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as connection:
        load_files(connection, Path("include/sql"), Path(sys.argv[2]), "killed")
