/** Enough for a stack trace. */
const MAX_CHARACTERS = 4096

/** The end of what a process prints: for the message that it has failed. */
export class OutputTail {
  #text = ''

  /** Takes a chunk of output. */
  readonly add = (chunk: Uint8Array): void => {
    this.#text = (this.#text + new TextDecoder().decode(chunk)).slice(-MAX_CHARACTERS)
  }

  get text(): string {
    return this.#text.trim()
  }
}
