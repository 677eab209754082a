"""`/api/v1`, a module a noun. The same answers as the pages', from `auditor.web.queries`."""
