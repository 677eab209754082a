# Variables of the shop's Terraform code.
environment                = "staging"
region                     = "eu-west-1"
vpc_cidr                   = "10.20.0.0/16"
uploads_bucket             = "tarnholm-uploads-staging"
service_min_count          = 2
backup_retention_days      = 3
access_log_retention_days  = 14
deletion_protection        = false
container_insights         = true
