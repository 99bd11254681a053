/**
 * The packages of the library engines are the operator's choice and come with native code, so they
 * are not installed along with this one, and looked for only when their engine is chosen.
 */
export class LibraryMissing extends Error {
  override readonly name = "LibraryMissing";
  readonly library: string;

  constructor(library: string, cause: unknown) {
    super(
      `the "${library}" package could not be loaded: install the version that package.json names ` +
        `under peerDependencies, npm install ${library}@<version>`,
      { cause },
    );
    this.library = library;
  }
}

export async function loaded<M>(library: string, load: () => Promise<M>): Promise<M> {
  try {
    return await load();
  } catch (cause) {
    throw new LibraryMissing(library, cause);
  }
}
