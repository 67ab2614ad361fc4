/** What stands in empty fields: the same in every language. */
export const EXAMPLES = {
  arguments: "--epochs 3 --lr 0.01",
  variable: "NAME",
  paths: "s3://bucket/data/, cos://bucket/file.csv",
  directory: "s3://bucket/data/",
  requirements: "transformers==4.56",
  secret: "WANDB_API_KEY",
  connection: "lab",
  endpoint: "https://s3.example.org",
  allowed: "datasets\nmodels/public/",
} as const;
