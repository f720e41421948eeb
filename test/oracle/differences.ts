/** Where our judge and Sage's server may legitimately differ; `docs/rules.md` lists them. */
export interface Difference {
  readonly what: string
  readonly why: string
  /** Recorded edge cases that show it. */
  readonly edgeCases?: readonly string[]
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'What Sage’s database holds already: a version that exists, a namespace or a plugin of somebody else, names that a registered one matches without regard to case and accents.',
    why: 'The manifest does not say. Our verdict is that of a server which knows nothing yet; a name that fails there may pass later (the rules for names hold only when one is created).',
    edgeCases: [
      'g1 again',
      'g1 again force',
      'g1 other user',
      'g1 ns case',
      'g1 name case',
      'g1 version case2',
      'g1 version accent',
      'g1 name version as float',
      'g2 again',
      "g3 ver '1'",
      'g3 ver 1.0',
      'g3 ver true',
      'g4 float 2.5',
    ],
  },
  {
    what: 'A clone that fails or takes longer than ten minutes (500 and 408).',
    why: 'Whether the address, the branch and the tag exist is found out by asking git, not by reading the manifest.',
    edgeCases: ['clone fails', 'clone timeout'],
  },
  {
    what: 'Words of MySQL: the errors 1054, 1064, 1241 and 1366 are compared by number.',
    why: 'Their texts name the server’s product or quote the rest of the statement; the comparison runs with MariaDB, Sage with MySQL. MariaDB’s 4078 is MySQL’s 1241.',
  },
  {
    what: 'Words about a version that makes too long a file name.',
    why: 'In production they come from tar, several lines that differ from run to run; here they are those of the operating system, `[Errno 36] File name too long`.',
  },
  {
    what: 'A YAML set (`!!set`) of several texts, stored or shown.',
    why: 'Python orders it differently in every process; we keep the order of the text.',
  },
  {
    what: 'Lists in lists over more than about 300 levels.',
    why: 'Where exactly Python’s stack ends depends on how the server was started.',
  },
  {
    what: 'Manifests over 256 KiB, with more than 300,000 values once aliases are written out, or with more than 12,000 signs of YAML that only the Portal’s own parser can judge.',
    why: 'They are refused without asking further: those parsers need seconds or minutes for them. The largest public manifest has 4 KB.',
  },
  {
    what: 'Pictures and the description in `ecr-meta/`, fetched when everything else has passed.',
    why: 'They are not in the manifest. Other rules look at them.',
  },
]
