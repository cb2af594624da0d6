/**
 * Bodies of answers in a content coding (RFC 9110, 8.4), decoded with a bound: a kilobyte may stand for a
 * gigabyte. Whole bodies rather than streams, because an answer is parsed as a whole anyway.
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
/** Some servers leave the zlib wrapper out, whose first byte has an 8 in its lower half. */
const inflateEither: Decode = (bytes, options) =>
  ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateWrapped(bytes, options) : inflateBare(bytes, options);

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ["gzip", promisify(gunzip) as Decode],
  ["x-gzip", promisify(gunzip) as Decode],
  ["br", promisify(brotliDecompress) as Decode],
  ["deflate", inflateEither],
  ["zstd", promisify(zstdDecompress) as Decode],
]);

/** Nobody applies more, and each could multiply. */
const CODINGS_MAX = 2;
/** Of a name that is not known. */
const NAME_LENGTH_MAX = 40;

/** The codings of a `content-encoding` header, in the order in which they were applied. */
export function codingsOf(header: string | undefined): string[] {
  if (header === undefined) return [];
  const names = header.split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "" && name !== "identity");
}

/** Never rejects. @param bytesMax of what comes out, and of what is in between */
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
