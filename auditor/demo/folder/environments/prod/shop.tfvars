# Variables of the shop's Terraform code.
environment                = "prod"
region                     = "eu-west-1"
vpc_cidr                   = "10.40.0.0/16"
uploads_bucket             = "tarnholm-uploads"
service_min_count          = 6
backup_retention_days      = 30
access_log_retention_days  = 7
deletion_protection        = true
container_insights         = true
