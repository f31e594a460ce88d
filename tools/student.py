"""nbconvert configuration that makes the learners' notebooks from the solved ones.

    jupyter nbconvert --config tools/student.py --output-dir notebooks solutions/*.ipynb

Edit solutions/ only. Regions between BEGIN SOLUTION and END SOLUTION become a stub; outputs are removed, ids and tags
stay; a second run writes the same bytes. Learners never need nbgrader: it is used here, on the author's side, alone.
"""
c = get_config()  # noqa: F821  (traitlets puts get_config into this file's namespace)
c.NbConvertApp.export_format = "notebook"
c.NotebookExporter.preprocessors = ["nbgrader.preprocessors.ClearSolutions",
                                    "nbconvert.preprocessors.ClearOutputPreprocessor"]
c.ClearSolutions.enforce_metadata = False
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
