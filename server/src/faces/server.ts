// The entry of the server. Everything else is loaded after the compile cache is on: half of its start is compiling.
import { useCompileCache } from "./compile-cache.ts";

useCompileCache();

void import("./rpc.ts");
