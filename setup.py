"""Installs the packages and the `cavefish` command. Caffe itself is not on any index: see third_party/caffe/."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.findall(r'__version__ = "(.+)"', (HERE / "evolve/__init__.py").read_text())[0]
NETWORKS = [path.name for path in (HERE / "prototxt").iterdir() if path.is_dir()]
# Its wheels are for such machines; elsewhere the tests that build engines are skipped, and say so.
X86_LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
LINT = ["ruff", "mypy", "types-protobuf", "import-linter>=2.17", "pytest", "hypothesis"]

setup(
    name="cavefish",
    version=VERSION,
    description="Evolves trained Caffe networks into far smaller, faster ones",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The Cavefish authors",
    license="BSD-2-Clause",
    license_files=["LICENSE"],
    keywords="caffe pruning compression evolutionary synthesis detectnet tensorrt",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    # No `datasets` among what is installed: that name is Hugging Face's.
    packages=[*find_packages(include=["evolve*", "fastcaffe*", "trt*"]), "evolve.datasets.sets", "evolve.prototxt"]
    + [f"evolve.prototxt.{name}" for name in NETWORKS],
    package_dir={"evolve.datasets.sets": "datasets", "evolve.prototxt": "prototxt"},
    package_data={
        "": ["*.proto", "*.prototxt", "*.pyi", "py.typed"],
        "fastcaffe": ["src/*"],
        "trt": ["c/kernels/*.c", "devices/*", "tx1/*"],
        "evolve": ["figures/*.csv", "figures/report/page.*s", "network/*.csv"],
    },
    entry_points={"console_scripts": ["cavefish = evolve.command.command:main"]},
    install_requires=[
        "numpy>=1.23",
        "protobuf>=6.31",
        "lmdb",
        "matplotlib",
        "rich",
        "filelock",
        "ml_dtypes",
        "scikit-learn",
        "pillow",
        "pyyaml",
        # groupRectangles, which tests compare with, is gone in 5.
        "opencv-python-headless>=4.5,<5",
    ],
    extras_require={
        "onnx": ["onnx>=1.15"],
        "bench": ["onnx>=1.15", "onnxruntime", "openvino"],
        "engine": ["onnx>=1.15", "onnxruntime"],
        "dask": ["distributed"],
        # NVIDIA's, proprietary: never installed unless it is asked for.
        "rtx": ["tensorrt-rtx"],
        "tensorrt": ["tensorrt"],
        # cuBLAS and cuRAND for a Caffe with CUDA, where the machine has none.
        "cuda13": ["nvidia-cublas>=13,<14", "nvidia-curand<11"],
        "cuda12": ["nvidia-cublas-cu12", "nvidia-curand-cu12"],
        "lint": LINT,
        "test": [
            *(*LINT, "pytest-xdist"),
            *("onnx>=1.15", "onnxruntime", "openvino", f"tensorrt-rtx; {X86_LINUX}", "vermin"),
            "distributed",
        ],
    },
)
