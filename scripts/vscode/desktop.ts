import { spawn } from "node:child_process";

/** Opens an address in the user's browser where there is a desktop; does nothing where there is none. */
export function openInDesktop(address: string): void {
  const opener = openerHere();
  if (opener === undefined) return;
  const [command, ...args] = opener;
  const child = spawn(command, [...args, address], { detached: true, stdio: "ignore" });
  // The address is printed; a desktop without a browser is no reason to fail.
  child.on("error", () => undefined);
  child.unref();
}

function openerHere(): readonly [string, ...string[]] | undefined {
  if (process.platform === "darwin") return ["open"];
  if (process.platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"] ? ["xdg-open"] : undefined;
}
