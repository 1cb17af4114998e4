"""Records in, text out. Every string that a tenant could have typed is made safe here."""
