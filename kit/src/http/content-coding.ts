/**
 * Decodes the content coding (RFC 9110, 8.4) of an answer's body, with a size limit: a kilobyte may decode to
 * a gigabyte. Works on whole bodies instead of streams, because an answer is parsed as a whole anyway.
 */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from "node:zlib";

export type DecodedBody =
  | { kind: "decoded"; bytes: Buffer | undefined }
  | { kind: "too-large" }
  | { kind: "broken"; coding: string }
  | { kind: "unknown-coding"; coding: string };

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const inflateWrapped: Decode = promisify(inflate);
const inflateBare: Decode = promisify(inflateRaw);
/** Some servers leave out the zlib wrapper. Its first byte has an 8 in its lower half. */
const inflateEither: Decode = (bytes, options) =>
  ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateWrapped(bytes, options) : inflateBare(bytes, options);

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ["gzip", promisify(gunzip) as Decode],
  ["x-gzip", promisify(gunzip) as Decode],
  ["br", promisify(brotliDecompress) as Decode],
  ["deflate", inflateEither],
  ["zstd", promisify(zstdDecompress) as Decode],
]);

/** No server applies more. Each coding could multiply the size. */
const CODINGS_MAX = 2;
/** The longest part of an unknown coding's name that is repeated. */
const NAME_LENGTH_MAX = 40;

/** The codings of a `content-encoding` header, in the order in which they were applied. */
export function codingsOf(header: string | undefined): string[] {
  if (header === undefined) return [];
  const names = header.split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "" && name !== "identity");
}

/**
 * Decodes a body. Never rejects.
 * @param bytesMax the largest size after each coding
 */
export async function decodeBody(
  bytes: Buffer,
  codings: readonly string[],
  bytesMax: number,
): Promise<DecodedBody> {
  const unknown =
    codings.length > CODINGS_MAX ? codings.join(", ") : codings.find((name) => !DECODERS.has(name));
  if (unknown !== undefined) return { kind: "unknown-coding", coding: unknown.slice(0, NAME_LENGTH_MAX) };
  let decoded = bytes;
  for (const coding of codings.toReversed()) {
    try {
      decoded = await DECODERS.get(coding)!(decoded, { maxOutputLength: bytesMax });
    } catch (error) {
      const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      return isTooLarge ? { kind: "too-large" } : { kind: "broken", coding };
    }
  }
  return { kind: "decoded", bytes: decoded };
}
