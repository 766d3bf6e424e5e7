@echo off
rem The Makefile's `make run` for Windows: sets everything up in .venv once, then serves http://127.0.0.1:7860.
setlocal
cd /d "%~dp0"
set OMP_WAIT_POLICY=PASSIVE
set SAM2_BUILD_CUDA=0
if not exist .venv\Scripts\python.exe (
    py -3.12 -m venv .venv || py -3.11 -m venv .venv || python -m venv .venv || exit /b 1
)
.venv\Scripts\python -c "import sys; sys.exit(sys.version_info < (3, 11))" || (echo Diorama needs Python 3.11 or newer: install it, delete the folder .venv, start run.bat again.& exit /b 1)
fc /b requirements.txt .venv\installed.txt >nul 2>&1
if errorlevel 1 (
    echo Installing into .venv: some minutes, once.
    .venv\Scripts\python -m pip install --quiet setuptools wheel || exit /b 1
    rem PyPI's torch for Windows has no CUDA: README says which line brings it. What is there already is kept.
    findstr /b /c:"torch==" /c:"torchvision==" requirements.txt >.venv\torch.txt || exit /b 1
    .venv\Scripts\python -m pip install --quiet -r .venv\torch.txt || exit /b 1
    .venv\Scripts\python -m pip install --quiet --no-build-isolation -r requirements.txt || exit /b 1
    copy /y requirements.txt .venv\installed.txt >nul
)
.venv\Scripts\python app.py %*
