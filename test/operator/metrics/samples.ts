/** The samples of a metrics text by name and labels, in the order of the text. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    })
  )
}

/** The names of all metrics of a text, by their types. */
export function typesOf(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line.startsWith('# TYPE '))
  return new Map(lines.map((line) => line.split(' ').slice(2, 4) as [string, string]))
}
