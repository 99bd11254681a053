/** What users may count on, with the engine `memory`. */
import { acceptEngine } from "./engine-acceptance.ts";

acceptEngine("memory");
