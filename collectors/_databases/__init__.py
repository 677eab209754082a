"""What the collectors of databases share: the kinds of a schema, normal forms of SQL, and the tables of migration tools."""
