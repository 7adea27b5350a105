import { rename, writeFile } from 'node:fs/promises'

/** Replaces a file in one step: whoever reads it, and whatever ends the process, finds the old content or the new. */
export async function writeFileWhole(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${file}.new`, content)
  await rename(`${file}.new`, file)
}
