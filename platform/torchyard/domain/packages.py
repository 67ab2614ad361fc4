"""What has to be installed to import a module, where the two have different names."""

_PACKAGES = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cairo": "pycairo",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "hydra": "hydra-core",
    "ignite": "pytorch-ignite",
    "imblearn": "imbalanced-learn",
    "IPython": "ipython",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "lightning_utilities": "lightning-utilities",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "pl_bolts": "lightning-bolts",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pytorch_lightning": "pytorch-lightning",
    "pywt": "PyWavelets",
    "segment_anything": "segment-anything-py",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "slugify": "python-slugify",
    "socks": "PySocks",
    "tensorboardX": "tensorboardX",
    "torch_geometric": "torch-geometric",
    "umap": "umap-learn",
    "usb": "pyusb",
    "wx": "wxPython",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
#: Modules that are named like the package that has them, and that scripts here often miss.
_SAME = frozenset(
    {
        "accelerate", "albumentations", "datasets", "diffusers", "einops", "gensim", "gymnasium",
        "h5py", "imageio", "joblib", "kornia", "lightgbm", "lightning", "matplotlib", "nltk",
        "numba", "numpy", "onnx", "onnxruntime", "openpyxl", "pandas", "peft", "plotly", "polars",
        "pyarrow", "requests", "safetensors", "scipy", "seaborn", "sentencepiece", "spacy",
        "statsmodels", "sympy", "tensorboard", "tensorflow", "timm", "tokenizers", "torchaudio",
        "torchmetrics", "torchtext", "torchvision", "tqdm", "transformers", "ultralytics",
        "wandb", "xgboost",
    }
)  # fmt: skip


def package_of(module: str) -> str | None:
    """The package that has the module, by the name it is installed by; None if that is not known."""
    name = module.split(".")[0]
    return _PACKAGES.get(name) or (name if name in _SAME else None)
