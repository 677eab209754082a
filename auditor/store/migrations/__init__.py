"""Alembic's migrations, part of the package so that an installed product can upgrade its own database."""
