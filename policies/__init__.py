"""Rule packs that ship with the product; found as package data when it is installed from a wheel."""
