"""The pages, a module each: a router that asks `auditor.web.queries` and fills a template."""
