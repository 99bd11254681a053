/** What users may count on, with the engine `level`. */
import { acceptEngine } from "./engine-acceptance.ts";

acceptEngine("level");
