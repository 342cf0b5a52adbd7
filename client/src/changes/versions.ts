import {
  type Disposable,
  EventEmitter,
  type FileChangeEvent,
  type FileStat,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  Uri,
  l10n,
  workspace,
} from "vscode";
import { size } from "../amounts.ts";
import type { Connection } from "../connection.ts";
import { Disposables } from "../disposables.ts";

const scheme = "imi-version";

/** Contents that are kept for the next reading, in bytes: an editor asks for what it opens several times. */
const keptBytes = 32 * 1024 * 1024;

/** Where a version of a file comes from: git, by its id there, or the words that stand for what no editor shows. */
type Source = { readonly repository: string; readonly id: string } | { readonly text: string };

/**
 * The address of a version that git keeps of a file. It has the file's own path: VS Code takes the name and the language
 * from it, and calls a comparison of two paths a renaming.
 */
export function versionUri(repository: string, id: string, file: Uri): Uri {
  return uriOf({ repository, id }, file);
}

/** The address of some words in the place of a file. */
export function wordsUri(text: string, file: Uri): Uri {
  return uriOf({ text }, file);
}

function uriOf(source: Source, { path }: Uri): Uri {
  return Uri.from({ scheme, path, query: JSON.stringify(source) });
}

/**
 * Versions of files out of the repository, as a file system that nobody can write to: so VS Code guesses encodings and
 * finds the language as it does for files on disk. What an id stands for never changes.
 */
export class FileVersions implements FileSystemProvider, Disposable {
  readonly #connection: Connection;
  readonly #scope = new Disposables();
  readonly #kept = new Map<string, Uint8Array>();
  readonly #reading = new Map<string, Promise<Uint8Array>>();
  readonly onDidChangeFile = this.#scope.add(new EventEmitter<FileChangeEvent[]>()).event;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#scope.add(workspace.registerFileSystemProvider(scheme, this, { isReadonly: true, isCaseSensitive: true }));
  }

  async stat(uri: Uri): Promise<FileStat> {
    const { byteLength } = await this.readFile(uri);
    return { type: FileType.File, ctime: 0, mtime: 0, size: byteLength };
  }

  async readFile(uri: Uri): Promise<Uint8Array> {
    const source = sourceOf(uri);
    if (source === null) throw FileSystemError.FileNotFound(uri);
    if ("text" in source) return new TextEncoder().encode(`${source.text}\n`);
    const known = this.#kept.get(source.id);
    if (known !== undefined) return known;
    const reading = this.#reading.get(source.id) ?? this.#read(source);
    this.#reading.set(source.id, reading);
    try {
      return await reading;
    } catch (error) {
      throw FileSystemError.Unavailable(error instanceof Error ? error.message : String(error));
    } finally {
      this.#reading.delete(source.id);
    }
  }

  watch(): Disposable {
    return { dispose: () => undefined };
  }

  readDirectory(): never {
    throw FileSystemError.NoPermissions();
  }

  createDirectory(): never {
    throw FileSystemError.NoPermissions();
  }

  writeFile(): never {
    throw FileSystemError.NoPermissions();
  }

  delete(): never {
    throw FileSystemError.NoPermissions();
  }

  rename(): never {
    throw FileSystemError.NoPermissions();
  }

  dispose(): void {
    this.#kept.clear();
    this.#scope.dispose();
  }

  async #read({ repository, id }: Extract<Source, { id: string }>): Promise<Uint8Array> {
    const { bytes, base64 } = await this.#connection.request("file.read", { repository, id });
    if (base64 === null) return new TextEncoder().encode(`${l10n.t("{0}: too large to be shown", size(bytes))}\n`);
    const content = Buffer.from(base64, "base64");
    this.#keep(id, content);
    return content;
  }

  #keep(id: string, content: Uint8Array): void {
    this.#kept.set(id, content);
    let bytes = [...this.#kept.values()].reduce((sum, each) => sum + each.byteLength, 0);
    for (const [oldest, { byteLength }] of this.#kept) {
      if (bytes <= keptBytes) return;
      this.#kept.delete(oldest);
      bytes -= byteLength;
    }
  }
}

/** null for what was not made here. */
function sourceOf({ query }: Uri): Source | null {
  try {
    const source: unknown = JSON.parse(query);
    if (typeof source !== "object" || source === null) return null;
    if ("text" in source && typeof source.text === "string") return { text: source.text };
    if (!("repository" in source && "id" in source)) return null;
    const { repository, id } = source;
    return typeof repository === "string" && typeof id === "string" ? { repository, id } : null;
  } catch {
    return null;
  }
}
