const hidden = "***";

/** What secrets look like in what programs print; each pattern keeps what a reader needs to understand the line. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#@'"]{1,1024}@/gi, `$1${hidden}@`],
  [
    /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(basic|bearer|token|negotiate|digest)\s+)?[^\s"',;]+/gi,
    `$1$2 ${hidden}`,
  ],
  [/\b(bearer|basic)\s+[a-z0-9._~+/=-]{12,}/gi, `$1 ${hidden}`],
  [
    /\b((?:[a-z0-9]+[_-])*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|[^\s"'&,;]+)/gi,
    `$1${hidden}`,
  ],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,})/g, hidden],
  [/\bgl(?:pat|ptt|dt|rt|cbt|soat)-[\w-]{16,}/g, hidden],
  [/\bxox[abeoprs]-[\w-]{10,}/g, hidden],
  [/\bsk-[\w-]{16,}/g, hidden],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, hidden],
  [/\bAIza[\w-]{35}/g, hidden],
  [/\bnpm_[A-Za-z0-9]{30,}/g, hidden],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, hidden],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
];

/** The text without passwords in URLs, tokens, keys and Authorization headers; for everything that is logged or raised. */
export const redact = (text: string): string =>
  patterns.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
