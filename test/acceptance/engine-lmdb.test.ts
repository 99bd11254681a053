/** What users may count on, with the engine `lmdb`. */
import { acceptEngine } from "./engine-acceptance.ts";

acceptEngine("lmdb");
