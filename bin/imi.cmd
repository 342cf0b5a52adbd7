@echo off
rem Runs dist\cli.cjs with a Node that is new enough: IMI_NODE (set by the extension), the one the build found, or the one on PATH.
setlocal
set "ROOT=%~dp0.."
set "NODE=%IMI_NODE%"
if not defined NODE if exist "%ROOT%\dist\node-path" set /p NODE=<"%ROOT%\dist\node-path"
if not defined NODE set "NODE=node"
if defined IMI_NODE_ELECTRON set "ELECTRON_RUN_AS_NODE=1"
if not exist "%ROOT%\dist\cli.cjs" (
  echo imi: dist\cli.cjs is missing; run npm run build 1>&2
  exit /b 1
)
"%NODE%" "%ROOT%\dist\cli.cjs" %*
